%% Digits, softmax output
clear all
close all; clc
seed = 42;
randn('state', seed); rand('twister', seed);
load digits

% classes are stored apart, as in mnist_all
images = [train0; train1; train2];
labels = [zeros(size(train0,1),1); ones(size(train1,1),1); 2*ones(size(train2,1),1)];
images = double(images)' / 255;

n = size(images, 2);
targets = zeros(3, n);
for i = 1:n
    targets(labels(i)+1, i) = 1;
end

perm = randperm(n);
ntrain = floor(0.8*n);
trainidx = perm(1:ntrain);
testidx = perm(ntrain+1:end);
indata = images(:, trainidx);
outdata = targets(:, trainidx);
intest = images(:, testidx);
outtest = targets(:, testidx);

if mod(ntrain, 4) == 0
    numchunks = 4;
elseif mod(ntrain, 3) == 0
    numchunks = 3;
else
    numchunks = 1;
end

layersizes = [10 6];
layertypes = {'tanh', 'tanh', 'softmax'};
disp(['training on ' num2str(ntrain) ' of ' num2str(n) ' cases']);
fprintf(1, '%d hidden layers, %5.2f of the cases\n', length(layersizes), ntrain/n);
paramsp = nnet_train_2('digits', 'three classes', [], [], [], [], 2, indata, outdata, numchunks, ...
    intest, outtest, 1, layersizes, layertypes, 'gn', 0, 'class', 1, 1e-5, 0.95, 0);

[W, b] = unpack(paramsp, [size(indata,1) layersizes 3]);
y = calcActivations(intest, W, b, layertypes);
[dummy, guess] = max(y, [], 1);
[dummy, truth] = max(outtest, [], 1);
accuracy = mean(guess == truth)
