function b = reference_behaviour(ratios)
% What the reference does where nothing was recorded; each field is one answer, checked by the tests.
%
%   ratios   cell of {initial lambda, 1 x k row of recorded rho}; the answer `lambdas` is what the damping rule makes of it

b.pack_is_column_major = pack({[1 3; 2 4], [7 8]}, {[5; 6], 9})';
[W, biases] = unpack((1:9)', [2 2 1]);
b.unpack_inverts_pack = isequal(pack(W, biases), (1:9)');

b = conjgrad_answers(b);
b = rule_answers(b);
b = sparse_answers(b);
b = trainer_answers(b);
b.errors = error_answers();
b.lambdas = cellfun(@(r) lambdas_of(r{:}), ratios, 'UniformOutput', false);
end


function lambdas = lambdas_of(lambda, rhos)
lambdas = zeros(size(rhos));
for k = 1:numel(rhos)
    lambda = update_damping(lambda, rhos(k), default_constants());
    lambdas(k) = lambda;
end
end


function b = conjgrad_answers(b)
% A = diag(1 ... n) with a negative direction that steps reach once the exact solution of the rest is found
[b.bail_out_at_5, xs, is] = bailing_run(4);
b.recorded_after_bail_out_at_5 = is;
b.recorded_iterates_after_bail_out_at_5 = numel(xs);
[b.bail_out_at_7, xs, is] = bailing_run(6);
b.recorded_after_bail_out_at_7 = is;
[b.bail_out_at_8, xs, is] = bailing_run(7);
b.recorded_after_bail_out_at_8 = is;

A = diag(linspace(1, 50, 40));
[xs, is] = conjgrad_1(@(v) A*v, ones(40, 1), zeros(40, 1), 11, 1, ones(40, 1));
b.recorded_with_limit_11 = is;
b.last_iterate_is_recorded_twice = isequal(xs{end}, xs{end-1});
[xs, is] = conjgrad_1(@(v) A*v, ones(40, 1), zeros(40, 1), 250, 1, ones(40, 1));
b.residual_at_the_end = norm(A*xs{end} - 1)/sqrt(40);
b.recorded_until_convergence = is;
[xs, is] = conjgrad_1(@(v) A*v, ones(40, 1), zeros(40, 1), 250, 60, ones(40, 1));
b.last_step_with_miniters_60 = is(end);
end


function [said, xs, is] = bailing_run(good_steps)
% positive curvature for good_steps products after the first residual, negative after
turning_product([], good_steps + 1);
said = evalc('[xs, is] = conjgrad_1(@turning_product, ones(60, 1), zeros(60, 1), 250, 1, ones(60, 1));');
end


function Av = turning_product(v, good_calls)
persistent left
if nargin > 1
    left = good_calls;
    return
end
Av = (1:numel(v))'.*v;
if left < 1
    Av = -Av;
end
left = left - 1;
end


function b = rule_answers(b)
c = default_constants();
b.damping = [update_damping(9, 0.24, c), update_damping(9, NaN, c), update_damping(9, -Inf, c), ...
    update_damping(9, 0.25, c), update_damping(9, 0.75, c), update_damping(9, 0.76, c)];
[b.rejected_rate, b.rejected_reductions, b.rejected_ll, b.rejected_err] = ...
    line_search(@(params) deal(-5, 7), 0, 1, 1, -1, -9, 3, c);
[b.accepted_rate, b.accepted_reductions] = line_search(@(params) deal(-params, 0), 0, 1, 0, -0.6, -1, 0, c);
lls = [1 2 2 0 3];
[b.walk_stops_at, b.walk_ll] = cg_backtracking(@(k) deal(lls(k), 0), 0, {1, 2, 3, 4, 5});
[b.walk_ties_move_to, ~] = cg_backtracking(@(k) deal(lls(k), 0), 0, {1, 2, 3});
[b.walk_of_falling_to_1, ~] = cg_backtracking(@(k) deal(-k, 0), 0, {1, 2, 3});
end


function b = sparse_answers(b)
rand('twister', 1);
randn('state', 1);
params = sparse_init([40 30 20], {'tanh', 'logistic'}, 15, 1);
[W, biases] = unpack(params, [40 30 20]);
b.most_connections = max(sum(W{1} ~= 0, 2));
b.fewest_connections = min(sum(W{1} ~= 0, 2));
b.tanh_biases = unique(biases{1});
b.logistic_biases = unique(biases{2});
b.deviation_in_and_above_tanh = [std(W{1}(W{1} ~= 0)), std(W{2}(W{2} ~= 0))];
end


function b = trainer_answers(b)
overrides = struct('precision', 'double', 'checkpoint_period', 2);
[once, trace, b.screen] = small_run('once', [], 4, overrides);
b.log = fileread('once.txt');
small_run('twice', [], 2, overrides);
[twice, ~] = small_run('twice', 'twice_nnet_running.mat', 4, overrides);
b.resumed_equals_uninterrupted = isequal(once, twice);
b.trace_epochs = size(trace.paramsp, 2);
b.periodic_checkpoints = sort(cellfun(@(f) f.name, num2cell(dir('once_nnet_epoch*.mat')), 'UniformOutput', false))';
[once_more, ~] = small_run('once', [], 4, struct('precision', 'double', 'preconditioner_exponent', 0.75));
b.default_exponent_changes_nothing = isequal(once, once_more);

changes = struct('initlambda', 10, 'maxiters', 3, 'miniters', 60, 'drop', 0.5, 'boost', 7, 'autodamp', 0, ...
    'rho_high', 1e9, 'rho_low', 1e9, 'preconditioner_exponent', 1, 'linesearch_c', 1e9, 'mask_biases', 1);
b.overrides_without_effect = {};
for name = fieldnames(changes)'
    changed = overrides;
    changed.(name{1}) = changes.(name{1});
    [params, changed_trace] = small_run('changed', [], 4, changed);
    % CG steps beyond convergence may leave every bit of the parameters as it was, and show in the trace alone
    if isequal(params, once) && isequal(changed_trace, trace)
        b.overrides_without_effect{end+1} = name{1};
    end
end
rand('twister', 1);
randn('state', 1);
[~, trace] = small_run('sparse', [], 1, overrides, []);
b.sparse_run_is_finite = all(isfinite(trace.paramsp));
[W, biases] = unpack(start_params(), [6 4 3]);
[from_cells, ~] = small_run('cells', [], 4, overrides, [], W, biases);
b.starts_from_win_and_bin = isequal(from_cells, once);
end


function params = start_params()
params = 0.3*sin((1:43)');
end


function [params, trace, said] = small_run(name, resume, maxepoch, overrides, params, Win, bin)
if nargin < 5
    params = start_params();
end
if nargin < 6
    Win = [];
    bin = [];
end
in = reshape(mod(7*(1:6*24), 11), 6, 24)/11;
out = double(reshape(mod(5*(1:3*24), 7), 3, 24) > 3);
[said, params, trace] = silently(@() nnet_train_2(name, 'small', params, Win, bin, resume, int64(maxepoch), in, out, ...
    int64(4), in, out, 2, 4, {'logistic', 'logistic'}, 'gn', 0, 'L2', 1, 1e-3, 0.95, 0, overrides));
end


function [said, params, trace] = silently(f)
said = evalc('[params, trace] = f();');
end


function messages = error_answers()
% Each row: what is changed in a sound call, and the message it gives
in = zeros(6, 24);
out = zeros(3, 24);
sound = {'bad', '', [], [], [], [], 1, in, out, 4, in, out, 2, 4, {'logistic', 'logistic'}, 'gn', 0, 'L2', 1, 0, 0.95, 0};
messages.hidden_softmax = message_with(sound, 15, {'softmax', 'logistic'});
messages.unknown_unit = message_with(sound, 15, {'relu', 'logistic'});
messages.tanh_output_without_rms = message_with(sound, 15, {'logistic', 'tanh'});
messages.gn_softmax_rms = message_with(sound, 15, {'logistic', 'softmax'}, 17, 1);
messages.hess_tanh = message_with(sound, 15, {'tanh', 'logistic'}, 16, 'hess');
messages.empfish_rms = message_with(sound, 16, 'empfish', 17, 1);
messages.unknown_mattype = message_with(sound, 16, 'newton');
messages.unknown_errtype = message_with(sound, 18, 'L1');
messages.uneven_chunks = message_with(sound, 10, 5);
messages.uneven_test_chunks = message_with(sound, 13, 5);
messages.missing_type = message_with(sound, 15, {'logistic'});
messages.badly_sized_start = message_with(sound, 3, (1:7)');
messages.jacket = message_with(sound, 22, 1);
messages.unknown_override = message_with(sound, 23, struct('lambda', 1));
messages.unknown_precision = message_with(sound, 23, struct('precision', 'half'));
messages.log_was_opened = exist('bad.txt', 'file') ~= 0;
end


function message = message_with(values, varargin)
for k = 1:2:numel(varargin)
    values{varargin{k}} = varargin{k+1};
end
message = '';
try
    silently(@() nnet_train_2(values{:}));
catch problem
    message = problem.message;
end
end
