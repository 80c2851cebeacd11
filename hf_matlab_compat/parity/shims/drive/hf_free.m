function hf_free(request)
% All epochs in one call, each written to the results.

start = request.starts{1};
first = 1;
if ~isempty(start)
    first = double(start.epoch) + 1;
end
try
    out = hf_call(request, start, first - 1 + request.epochs, 'never');
catch problem
    if exist(fullfile(pwd(), 'run_nnet_running.mat'), 'file')
        finished = load('run_nnet_running.mat', 'epoch');
        first = double(finished.epoch) + 1;
    end
    hf_fail(first, problem);
end
for k = 1:numel(out.calls)
    % the numbers printed between this epoch's CG and the next one's
    last = numel(out.numbers);
    if k < numel(out.calls)
        last = out.calls{k+1}.printed;
    end
    between = out.calls{k}.printed+1:last;
    hf_write(request, first - 1 + k, out.calls{k}, out, out.words(between), out.numbers(between));
end
end
