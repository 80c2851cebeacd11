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
    hf_fail(hf_stopped(first), problem);
end
for k = 1:numel(out.calls)
    [words, numbers] = hf_between(out, k);
    hf_write(request, first - 1 + k, out.calls{k}, out, words, numbers);
end
end
