function hf_play_all(tape, reference)
% Run all jobs of a tape, except for those that were run before.
%
%   tape        folder with jobs/ and shims/
%   reference   the folder of nnet_train_2.m and conjgrad_1.m; its .m files are copied to the tape, for its certificate

copies = fullfile(tape, 'reference');
if ~exist(copies, 'dir')
    mkdir(copies);
end
files = dir(fullfile(reference, '*.m'));
for k = 1:numel(files)
    copyfile(fullfile(reference, files(k).name), fullfile(copies, files(k).name), 'f');
end

jobs = dir(fullfile(tape, 'jobs'));
for k = 1:numel(jobs)
    job = fullfile(tape, 'jobs', jobs(k).name);
    if jobs(k).name(1) == '.' || exist(fullfile(job, 'results', 'done.txt'), 'file')
        continue
    end
    fprintf('%s\n', jobs(k).name);
    hf_play(job, reference, fullfile(tape, 'shims'));
end
end
