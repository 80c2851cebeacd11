function failure = hf_whole(request)
% Run all epochs in one call, to be compared with resumed ones, and write results/whole.mat.
%
%   failure   why the call did not run to its end; '' if it did

failure = '';
start = request.starts{1};
first = 1;
if ~isempty(start)
    first = double(start.epoch) + 1;
end
try
    out = hf_call(request, start, first - 1 + request.epochs, 'unseen');
    hf_save(request, first, out);
catch problem
    failure = hf_words(hf_stopped(first), problem);
end
end


function hf_save(request, first, out)
count = numel(out.calls);
whole.paramsp = out.paramsp;
whole.last = out.calls{end}.last;
whole.epoch = first - 1 + count;
whole = hf_records(whole, out.saved);
whole.log = out.log;
whole.words = cell(1, count);
whole.numbers = cell(1, count);
for k = 1:count
    [whole.words{k}, whole.numbers{k}] = hf_between(out, k);
end
save(fullfile(request.results, 'whole.mat'), '-struct', 'whole', '-v7');
end
