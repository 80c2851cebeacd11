function trace = record_trace(trace, figures, ch, paramsp)
% Append one epoch to the trace.
%
%   figures   struct of scalars: rho, rate, reductions, denom, ll_after, err_after, lambda_after,
%             ll_chunk (at params + p, before the line search), oldll_chunk, cg_steps, chose_iters, ch_norm
%   trace     struct: each figure as a 1 x k row; ch and paramsp (after the update) as psize x k

figures.ch = ch;
figures.paramsp = paramsp;
names = fieldnames(figures);
for k = 1:numel(names)
    value = double(figures.(names{k}));
    if isfield(trace, names{k})
        trace.(names{k})(:, end+1) = value;
    else
        trace.(names{k}) = value;
    end
end
end
