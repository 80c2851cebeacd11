function [params, ch, lambda, figures, chs, iterses] = rnn_epoch(params, ch, lambda, epoch, data, numchunks, net, c)
% One epoch of Hessian-free training: the loop of nnet_train_2 on sequences, with structural damping.
%
%   params, ch, lambda   the state: parameters, last CG solution, damping; in: before the epoch, out: after it
%   epoch                its number, from 1, which decides the target chunk
%   data, net            as rnn_data and rnn_net make them
%   c                    constants, see default_constants; preconditioner_exponent = [] for none
%
%   figures              struct of scalars, see record_trace
%   chs, iterses         the recorded CG iterates and their steps

tchunk = mod(epoch-1, numchunks) + 1;
[grad, ~, oldll] = rnn_gradient(params, data, numchunks, net, tchunk);
B = @(v, damping, structural) rnn_GV(v, params, data, numchunks, net, tchunk, damping, structural);
evaluate = @(params) rnn_LL(params, data, numchunks, net);
evaluate_chunk = @(params) rnn_LL(params, data, numchunks, net, tchunk);

% solve (-B + lambda I + lambda mu S) p = g by CG, starting from the decayed last solution
[chs, iterses] = conjgrad_1(@(v) -B(v, lambda, lambda*net.mu), grad, ch, ceil(c.maxiters), ceil(c.miniters), ...
    rnn_preconditioner(params, lambda, data, numchunks, net, c));
ch = chs{end};    % the last iterate, not the one chosen, starts the next run

[j, ll, err] = cg_backtracking(evaluate, params, chs);
p = chs{j};
ll_chunk = evaluate_chunk(params + p);
oldll_chunk = evaluate_chunk(params);
% the ratio is of the model without lambda and without mu
[rho, denom] = reduction_ratio(ll_chunk, oldll_chunk, p, B(p, 0, 0), grad);

[rate, reductions, ll, err] = line_search(evaluate, params, p, grad, oldll, ll, err, c);
if c.autodamp
    lambda = update_damping(lambda, rho, c);
end
params = params + rate*p;
figures = struct('rho', rho, 'rate', rate, 'reductions', reductions, 'denom', denom, 'll_after', double(ll), ...
    'err_after', err, 'lambda_after', lambda, 'll_chunk', ll_chunk, 'oldll_chunk', oldll_chunk, ...
    'cg_steps', iterses(end), 'chose_iters', iterses(j), 'ch_norm', double(norm(ch)));
end
