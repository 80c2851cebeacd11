function results = reference_batch(goldens, jobs)
% Figures of the reference for many golden cases in one Octave.
%
%   goldens   folder of the recorded numbers
%   jobs      cell of structs: kind ('probe', 'lockstep' or 'free'), name, precision, epoch (of the probe),
%             seed (0: columns as they are, else permuted within chunks), noise (relative, on the initial parameters)
%   results   cell of structs, one a job

results = cell(size(jobs));
for k = 1:numel(jobs)
    job = jobs{k};
    m = golden_case(goldens, job.name);
    m.working = @(a) cast(a, job.precision);
    switch job.kind
        case 'probe'
            results{k} = probe_figures(m, permuted(m, job.seed), golden_probe(goldens, job), job.precision);
        case 'lockstep'
            results{k} = lockstep_epoch(permuted(m, job.seed), golden_probe(goldens, job), job);
        case 'free'
            results{k} = free_run(permuted(m, job.seed), job);
    end
end
end


function m = golden_case(goldens, name)
m = load(fullfile(goldens, [unit_folder(name) 'case_' name '.mat']));
for field = {'maxepoch', 'numchunks', 'numchunks_test', 'rms', 'hybridmode'}
    m.(field{1}) = double(m.(field{1}));
end
end


function folder = unit_folder(name)
folder = '';
if any(strcmp(name(1:2), {'k_', 's_'}))
    folder = 'units/';
end
end


function probe = golden_probe(goldens, job)
if isempty(unit_folder(job.name))
    probe = load(fullfile(goldens, sprintf('probe_%s_%s_epoch%d.mat', job.name, job.precision, job.epoch)));
    return
end
record = load(fullfile(goldens, 'units', ['rec_' job.name '_' job.precision '.mat']));
for name = fieldnames(record)'
    if strncmp(name{1}, 'probe_', 6)
        probe.(name{1}(7:end)) = record.(name{1});
    end
end
end


function m = permuted(m, seed)
% The same chunks with their cases in another order: mathematically the same problem, rounded differently.
if seed == 0
    return
end
rand('twister', seed);
numcases = size(m.indata, 2);
for chunk = 1:m.numchunks
    columns = chunk_columns(numcases, m.numchunks, chunk);
    shuffled = columns(randperm(numel(columns)));
    m.indata(:, columns) = m.indata(:, shuffled);
    m.outdata(:, columns) = m.outdata(:, shuffled);
end
end


function figures = lockstep_epoch(m, probe, job)
% The one epoch that follows a recorded state. The recorded ch0 is decayed already.
folder = fresh_folder(job);
write_start(folder, m, job.epoch - 1, probe.lambda, probe.paramsp, probe.ch0);
m.maxepoch = job.epoch;
m.decay = 1;
figures = train(m, job, folder);
end


function figures = free_run(m, job)
folder = fresh_folder(job);
if job.noise > 0
    randn('state', job.seed + 1);
    m.paramsp = double(m.paramsp).*(1 + job.noise*randn(size(m.paramsp)));
end
resume = isfield(m, 'start_lambda');
if resume
    write_start(folder, m, 0, m.start_lambda, m.paramsp, zeros(size(m.paramsp)));
end
figures = train(m, job, folder);
end


function folder = fresh_folder(job)
folder = sprintf('%s_%s_%s_%d_%d', job.kind, job.name, job.precision, job.epoch, job.seed);
mkdir(folder);
end


function write_start(folder, m, epoch, lambda, paramsp, ch)
paramsp = m.working(paramsp);
ch = m.working(ch);
lambda = double(lambda);
totalpasses = 0;
llrecord = zeros(epoch, 2);
errrecord = zeros(epoch, 2);
lambdarecord = zeros(epoch, 1);
times = zeros(epoch, 1);
save('-v7', fullfile(folder, 'start.mat'), 'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times', ...
    'errrecord', 'lambdarecord');
end


function figures = train(m, job, folder)
% The run's files stay in the folder.
back = cd(folder);
restore = onCleanup(@() cd(back));
resume = [];
description = 'golden trace';
if exist('start.mat', 'file')
    resume = 'start.mat';
    description = 'recorded';
end
[paramsp, figures] = nnet_train_2('run', description, m.paramsp, [], [], resume, m.maxepoch, m.indata, m.outdata, ...
    m.numchunks, m.intest, m.outtest, m.numchunks_test, m.layersizes, m.layertypes, m.mattype, m.rms, m.errtype, ...
    m.hybridmode, m.weightcost, m.decay, 0, struct('precision', job.precision));
figures.paramsp_returned = paramsp;
saved = load('run_nnet_running.mat');
figures.test_ll = saved.llrecord(end-numel(figures.rho)+1:end, 2)';
figures.log = fileread('run.txt');
end
