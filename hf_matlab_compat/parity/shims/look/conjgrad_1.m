function [xs, is] = conjgrad_1(Afunc, b, x0, maxiters, miniters, Mdiag, varargin)
% Wrap the trainer's own conjgrad_1: record its arguments and results, and change nothing.

asked = hf_tape('read');
if strcmp(asked.stop, 'unseen')
    [xs, is] = hf_conjgrad_1(Afunc, b, x0, maxiters, miniters, Mdiag, varargin{:});
    hf_tape('call', struct('printed', numel(asked.numbers), 'last', hf_last(xs, x0)));
    return
end
call = struct('b', b, 'x0', x0, 'Mdiag', Mdiag, 'maxiters', maxiters, 'miniters', miniters);
call.printed = numel(asked.numbers);
call.products = zeros(numel(b), size(asked.probes, 2), class(b));
for k = 1:size(asked.probes, 2)
    call.products(:, k) = -Afunc(cast(asked.probes(:, k), class(b)));
end
if strcmp(asked.stop, 'before CG')
    hf_tape('call', call);
    error('hf:enough', 'what was wanted is noted');
end

[xs, is] = hf_conjgrad_1(Afunc, b, x0, maxiters, miniters, Mdiag, varargin{:});
call.xs = [xs{:}];
call.is = is;
call.last = hf_last(xs, x0);
if ~isempty(xs) && ~all(isfinite(call.last))
    broken = find(~all(isfinite(call.xs), 1), 1);
    call.underflow = hf_underflow(Afunc, b, x0, is(broken), Mdiag);
end
call.model = zeros(1, numel(xs));
for k = 1:numel(xs)
    call.model(k) = 0.5*double(xs{k}'*Afunc(xs{k})) - double(b'*xs{k});
end

% Return the caller's variables by their usual names. Its own routines come last, since they may reuse its variables.
asked_for = {'paramsp', 'lambda', 'oldll', 'grad2', 'gradchunk', 'grad2chunk'};
for k = 1:numel(asked_for)
    try
        call.(['seen_' asked_for{k}]) = evalin('caller', asked_for{k});
    catch
        % this trainer has another name for it
    end
end
try
    call.forward = evalin('caller', 'hf_forward(paramsp, indata, numchunks, net, tchunk)');
catch
    % its routines are not in files of their own
end
likelihoods = {'computeLL(paramsp, indata, outdata, numchunks)', 'evaluate(paramsp)'};
for k = 1:numel(likelihoods)
    try
        [call.ll, call.err] = evalin('caller', likelihoods{k});
        break
    catch
        % its routine has another name
    end
end
hf_tape('call', call);
if strcmp(asked.stop, 'after CG')
    error('hf:enough', 'what was wanted is noted');
end
end


function last = hf_last(xs, x0)
% Return the last iterate of a CG, or its start if it returned none.
last = x0;
if ~isempty(xs)
    last = xs{end};
end
end
