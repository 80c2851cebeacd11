function out = hf_files(request, out)
% Add the checkpoint and the log of a call of the trainer to its results.

if isempty(out.calls)
    error('hf:calls', 'nnet_train_2 did not call conjgrad_1');
end
if ~exist('run_nnet_running.mat', 'file')
    error('hf:files', 'nnet_train_2 did not write <runName>_nnet_running.mat');
end
out.saved = load('run_nnet_running.mat');
out.log = '';
if exist('run.txt', 'file')
    out.log = fileread('run.txt');
end
hf_copy('run_nnet_running.mat', fullfile(request.results, 'running_now.mat'));
end
