function out = hf_call(request, start, maxepoch, stop)
% One call of the trainer.
%
%   start      state to resume from, or []
%   stop       where to break off: 'before CG' (once the probes are multiplied by the curvature), 'after CG' or 'never';
%              'unseen': nowhere, and of a CG nothing but its last iterate is noted
%   out        calls (what each CG was asked and did), words and numbers (as printed); where it ran to the end: paramsp,
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


function out = hf_files(request, out)
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
hf_copy('run_nnet_running.mat', fullfile(request.results, 'running.mat'));
end


function hf_copy(from, to)
% copyfile starts a shell in Octave
source = fopen(from, 'r');
bytes = fread(source, Inf, 'uint8=>uint8');
fclose(source);
target = fopen(to, 'w');
fwrite(target, bytes);
fclose(target);
end


function hf_remove(name)
if exist(fullfile(pwd(), name), 'file')
    delete(name);
end
end
