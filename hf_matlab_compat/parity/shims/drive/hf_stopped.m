function number = hf_stopped(first)
% Return the epoch in which a call that began with epoch FIRST stopped: the one after its last checkpoint.

number = first;
if exist(fullfile(pwd(), 'run_nnet_running.mat'), 'file')
    finished = load('run_nnet_running.mat', 'epoch');
    number = double(finished.epoch) + 1;
end
end
