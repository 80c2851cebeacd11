% train a little, go on from the checkpoint
randn('state', 1); rand('twister', 2);
data = load('curves.mat'); data = data.bdata';
name = 'resumed';
last = 10;
opts.weightcost = 2e-5;
opts.decay = .95;
opts.types = {'logistic', 'logistic'};
p = nnet_train_2(name, 'first part', [], [], [], [], last, data, data, 2, data(:,1:10), data(:,1:10), 1, 5, opts.types, 'gn', 0, 'L2', 1, opts.weightcost, opts.decay, 0);
resumeFile = [name '_nnet_epoch' num2str(last)];
if exist([resumeFile '.mat'], 'file')
  disp(['going on from ' resumeFile]);
else
  error('no checkpoint %s', resumeFile);
end
p = nnet_train_2(name, 'second part', [], [], [], resumeFile, 2*last, data, data, 2, data(:,1:10), data(:,1:10), 1, 5, opts.types, 'gn', 0, 'L2', 1, opts.weightcost, opts.decay, 0);
norm(p)
save('final.mat', 'p', 'last');
