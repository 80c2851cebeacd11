function [words, numbers] = hf_between(out, k)
% Return what was printed between the k-th CG of a call of the trainer and the next one.

last = numel(out.numbers);
if k < numel(out.calls)
    last = out.calls{k+1}.printed;
end
between = out.calls{k}.printed+1:last;
words = out.words(between);
numbers = out.numbers(between);
end
