function hf_drive(job, reference, shims)
% Run the trainer in the folder REFERENCE as job/request.mat asks, and write the results of each epoch to job/results.
%
%   job         folder with request.mat: struct request of
%                 arguments   1 x 22 cell, as nnet_train_2 takes them
%                 overrides   struct for a 23rd argument, or []
%                 starts      1 x k cell: several states to run one epoch from, or one state or [] to begin with
%                 epochs      number of epochs where starts has no several states
%                 mode        'free': all epochs in one call; else each in a call of its own, resumed from the
%                             one before; 'kernels': the last of them, or all with several states, only up to CG;
%                             'lockstep': all epochs in one call as well, to compare the two
%                 probes      psize x k, vectors to be multiplied by the curvature
%                 precision   'single' or 'double'
%                 route       1 x k cell of folders in SHIMS to put first on the path
%   reference   the user's folder; never written to
%   shims       the folder with the folders of these functions

request = load(fullfile(job, 'request.mat'));
request = request.request;
request.results = fullfile(job, 'results');
work = fullfile(job, 'work');
hf_folder(request.results);
hf_folder(work);
before = path();
warned = warning();
back = cd(work);
restore = onCleanup(@() hf_restore(before, warned, back));
request = hf_told(request, reference);
hf_setup(request, reference, shims);

stop = {'never', 'after CG'};
stop = stop{1 + strcmp(request.mode, 'kernels')};
if strcmp(request.mode, 'free')
    hf_free(request);
elseif numel(request.starts) > 1
    for k = 1:numel(request.starts)
        hf_epoch(request, request.starts{k}, stop);
    end
elseif strcmp(request.mode, 'lockstep') && request.epochs > 1
    hf_lockstep(request);
else
    hf_chain(request, stop);
end
end


function hf_lockstep(request)
% The one call comes first, so that it runs in the same surroundings as the user's own call.
failure = hf_whole(request);
try
    hf_chain(request, 'never');
catch problem
    if ~isempty(failure)
        hf_until(request);
        rethrow(problem);
    end
    error('hf:chain', ['%s. This epoch was started from a checkpoint, as every one is here; one call over all %d ' ...
        'epochs ran to its end. The trainer alone keeps state that its checkpoint lacks'], problem.message, request.epochs);
end
if ~isempty(failure)
    error('hf:whole', ['one call over %d epochs: %s. Each of these epochs ran when it was started from a checkpoint, ' ...
        'as is done here. The trainer alone keeps state that its checkpoint lacks'], request.epochs, failure);
end
end


function hf_until(request)
% Run one call over the epochs that the chain finished before it stopped, if they are two or more.
note = fullfile(request.results, 'stopped.mat');
if ~exist(note, 'file')
    return
end
stopped = load(note);
request.epochs = stopped.epoch - 1;
if ~isempty(request.starts{1})
    request.epochs = request.epochs - double(request.starts{1}.epoch);
end
if request.epochs > 1
    failure = hf_whole(request);
    if ~isempty(failure)
        error('hf:whole', 'one call over %d epochs: %s. The trainer alone keeps state that its checkpoint lacks', ...
            request.epochs, failure);
    end
end
end


function request = hf_told(request, reference)
% A trainer with a 23rd argument takes the precision there, and needs no shims that make doubles.
addpath(reference);
if nargin('nnet_train_2') == 21
    % the revision without jacket has no other way to double precision
    if strcmp(request.precision, 'double')
        error('hf:precision', 'double precision cannot be had of this reference: its nnet_train_2 has no jacket');
    end
    request.arguments = request.arguments(1:21);
end
if isempty(request.overrides) && nargin('nnet_train_2') > 22
    request.overrides = struct('precision', request.precision);
    request.arguments{22} = 0;
    request.route = request.route(~ismember(request.route, {'double', 'shadow'}));
end
end


function hf_folder(name)
if ~exist(name, 'dir')
    mkdir(name);
end
end


function hf_restore(before, warned, back)
cd(back);
path(before);
warning(warned);
end
