function hf_chain(request, stop)
% Run each epoch in a call of its own, resumed from the one before, and write each to the results.
%
%   stop   where the last one ends: 'after CG' or 'never'

state = request.starts{1};
for k = 1:request.epochs-1
    state = hf_epoch(request, state, 'never');
end
hf_epoch(request, state, stop);
end
