function hf_play(job, reference, shims)
% Run a job and record how it ended, in results/done.txt or results/failure.txt.

results = fullfile(job, 'results');
if ~exist(results, 'dir')
    mkdir(results);
end
try
    hf_drive(job, reference, shims);
    hf_note(fullfile(results, 'done.txt'), version());
catch problem
    hf_note(fullfile(results, 'failure.txt'), problem.message);
end
end


function hf_note(file, text)
fid = fopen(file, 'w');
fprintf(fid, '%s', text);
fclose(fid);
end
