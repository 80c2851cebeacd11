function hf_chain(request, stop)
% Each epoch in a call of its own, resumed from the one before, each written to the results.
%
%   stop   of the last one: 'after CG' or 'never'

state = request.starts{1};
for k = 1:request.epochs-1
    state = hf_epoch(request, state, 'never');
end
hf_epoch(request, state, stop);
end
