function hf_free(request)
% Run all epochs in one call, and write each to the results.

start = request.starts{1};
first = 1;
if ~isempty(start)
    first = double(start.epoch) + 1;
end
try
    out = hf_call(request, start, first - 1 + request.epochs, 'never');
catch problem
    stopped = hf_stopped(first);
    tape = hf_tape('read');
    count = min(stopped - first, numel(tape.calls));
    if count > 0
        hf_all(request, first, hf_finished(request, tape, count));
    end
    hf_fail(request, stopped, problem);
end
hf_all(request, first, out);
end


function hf_all(request, first, out)
for k = 1:numel(out.calls)
    [words, numbers] = hf_between(out, k);
    hf_write(request, first - 1 + k, out.calls{k}, out, words, numbers);
end
end


function out = hf_finished(request, tape, count)
% Return the part of a call that stopped after COUNT epochs.
out.calls = tape.calls(1:count);
out.words = tape.words;
out.numbers = tape.numbers;
if numel(tape.calls) > count
    out.words = tape.words(1:tape.calls{count+1}.printed);
    out.numbers = tape.numbers(1:tape.calls{count+1}.printed);
    if isfield(tape.calls{count+1}, 'seen_paramsp')
        out.paramsp = tape.calls{count+1}.seen_paramsp;
    end
end
out = hf_files(request, out);
end
