function out = hf_call(request, start, maxepoch, stop)
% Call the trainer once.
%
%   start      state to resume from, or []
%   stop       where to stop: 'before CG' (after the probes are multiplied by the curvature), 'after CG' or 'never';
%              'unseen': nowhere, and only the last iterate of each CG is recorded
%   out        calls (arguments and results of each CG), words and numbers (as printed); if it ran to the end: paramsp,
%              saved, log

args = request.arguments;
args{1} = 'run';
args{6} = [];
args{7} = maxepoch;
if ~isempty(start)
    save('start.mat', '-struct', 'start', '-v7');
    args{6} = 'start.mat';
end
if ~isempty(request.overrides)
    args{23} = request.overrides;
end
hf_remove('run.txt');
hf_remove('run_nnet_running.mat');
hf_tape('start', struct('probes', request.probes, 'stop', stop));

opened = fopen('all');
try
    out.paramsp = nnet_train_2(args{:});
catch problem
    arrayfun(@fclose, setdiff(fopen('all'), opened));
    if ~strcmp(problem.identifier, 'hf:enough')
        rethrow(problem);
    end
end
tape = hf_tape('read');
out.calls = tape.calls;
out.words = tape.words;
out.numbers = tape.numbers;
if any(strcmp(stop, {'never', 'unseen'}))
    out = hf_files(request, out);
end
end


function hf_remove(name)
if exist(fullfile(pwd(), name), 'file')
    delete(name);
end
end
