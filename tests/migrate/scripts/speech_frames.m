%% speech_frames.m -- stacks context windows, per-utterance normalisation, softmax targets
%  Nov 2012, cluster version. DON'T TOUCH the seeds!!
clear; clc; close all;
useGPU = 0;                     %#ok
if useGPU, gpuDevice(1); end
rand('state',42), randn('state',43);
nUtt = 6; nDim = 4; ctx = 2;    % context on each side
utts = cell(1,nUtt); labs = cell(nUtt,1);
for u=1:nUtt
  len = 9+mod(u*3,5);
  utts{u} = randn(nDim,len) + repmat((1:nDim)',1,len)*0.1*u;
  labs{u} = ceil(3*rand(1,len));
end
X=[]; T=[]; nFrames=0;
for u=1:length(utts)
    f = utts{u};
    mu = mean(f,2); sd = std(f,0,2) + 1e-3;
    f = bsxfun(@rdivide, bsxfun(@minus,f,mu), sd);
    n = size(f,2);
    padded = [repmat(f(:,1),1,ctx) f repmat(f(:,end),1,ctx)];
    stacked = zeros(nDim*(2*ctx+1), n);
    for k = -ctx:ctx
        rows = (k+ctx)*nDim + (1:nDim);
        stacked(rows,:) = padded(:, ctx+k+1 : ctx+k+n);
    end
    t = zeros(3,n); t(sub2ind(size(t), labs{u}, 1:n)) = 1;
    X = [X stacked]; T = [T t];
    nFrames = nFrames + n;
    fprintf('utt %d: %d frames, mean label %.2f\n', u, n, mean(labs{u}));
end
assert(nFrames == size(X,2), 'frame count');
perm = randperm(nFrames); X = X(:,perm); T = T(:,perm);
nTest = floor(nFrames/5); nTrain = nFrames - nTest;
numchunks = 4;
while mod(nTrain,numchunks) ~= 0, numchunks = numchunks-1; end
Xt = X(:, end-nTest+1:end); Tt = T(:, end-nTest+1:end);
X(:, nTrain+1:end) = []; T(:, nTrain+1:end) = [];
prior = sum(T,2)/nTrain
[dummy, order] = sort(prior, 'descend');
T = T(order, :); Tt = Tt(order,:);
layersizes = [12 8]; layertypes = [repmat_types('logistic', numel(layersizes)) {'softmax'}];
desc = ['ctx=' num2str(ctx) ' prior=' mat2str(round(prior(order)'*1000)/1000)];
paramsp = nnet_train_2('speech', desc, [], [], [], [], 2, X, T, numchunks, Xt, Tt, 1, layersizes, layertypes, 'gn', 0, 'class', 1, 1e-4, 0.95, useGPU);
load(['speech' '_nnet_running'])
csvwrite('speech_curve.csv', [llrecord errrecord]);

function types = repmat_types(name, n)
types = {};
for i = 1:n
  types{end+1} = name;
end
end
