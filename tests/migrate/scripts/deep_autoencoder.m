% deep autoencoder on curves
% second line

seed = 1234;
randn('state', seed );
rand('twister', seed+1 );

tmp = load('curves.mat');
indata = tmp.bdata';
intest = tmp.bdatatest';
clear tmp

perm = randperm(size(indata,2));
indata = indata( :, perm );
%indata = indata(:, 1:1000);
outdata = indata;   % autoencoder
outtest = intest;

runName = 'HFtestrun2';
runDesc = ['seed = ' num2str(seed) ', enter anything else you want to note here' ];
resumeFile = [];
paramsp = [];
Win = [];
bin = [];
maxepoch = 2;
numchunks = 4
numchunks_test = 4;
while mod(size(indata,2), numchunks) ~= 0
  numchunks = numchunks - 1;
end

layersizes = [12 10 8];
layersizes = [layersizes 3 layersizes(end:-1:1)];
%layertypes = {'tanh', 'linear'};
layertypes = {'logistic', 'logistic', 'logistic', 'linear', ...
   'logistic', 'logistic', 'logistic', 'logistic'};
rms = 0; hybridmode = 1;
jacket = 0;
mattype = 'gn'; %Gauss-Newton.  The other choices probably won't work for whatever you're doing
weightcost = 2e-5;
decay = 0.95; errtype = 'L2';

paramsp = nnet_train_2( runName, runDesc, paramsp, Win, bin, resumeFile, maxepoch, indata, outdata, numchunks, intest, outtest, numchunks_test, layersizes, layertypes, mattype, rms, errtype, hybridmode, weightcost, decay, jacket);
load(sprintf('%s_nnet_running', runName));
[W, b] = unpack(paramsp, [size(indata,1) layersizes size(outdata,1)]);
out = calcActivations(intest, W, b, layertypes);
err = sum(sum((out - outtest).^2)) / size(intest,2);
fprintf('test error %g\n', err);
ve = 1 - sum(sum((out-outtest).^2))/sum(sum(bsxfun(@minus, outtest, mean(outtest,2)).^2))
csvwrite([runName '_codes.csv'], out(:, 1:5));
figure; plot(llrecord(:,1)); hold on; plot(llrecord(:,2), 'r'); title('log likelihood');
