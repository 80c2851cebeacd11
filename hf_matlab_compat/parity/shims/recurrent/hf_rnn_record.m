function epochs = hf_rnn_record(job)
% Run epochs of reference_matlab/rnn, and return the kernels and results of each, as a cell of structs.
%
%   job   struct: sizes, hidden, output, initial_state, options (of rnn_net); constants (of default_constants); X, Y,
%         lengths, loss_mask, numchunks, decay, paramsp; probes (psize x k); epochs; states: {} for one run over all
%         epochs, else a cell with the state before each (paramsp, start of CG, lambda, number of the epoch)

net = rnn_net(job.sizes, job.hidden, job.output, job.initial_state, job.options);
c = default_constants(job.constants);
data = rnn_data(job.X, job.Y, job.lengths, job.loss_mask, c.precision);
state = struct('paramsp', cast(job.paramsp, c.precision), 'start', zeros(size(job.paramsp), c.precision), ...
    'lambda', c.initlambda, 'epoch', 1);
epochs = cell(1, job.epochs);
for k = 1:job.epochs
    if ~isempty(job.states)
        state = job.states{k};
        state.paramsp = cast(state.paramsp, c.precision);
        state.start = cast(state.start, c.precision);
    end
    seen = kernels_at(state, data, cast(job.probes, c.precision), job.numchunks, net, c);
    [params, ch, lambda, seen.figures, chs, seen.steps] = rnn_epoch(state.paramsp, state.start, state.lambda, ...
        state.epoch, data, job.numchunks, net, c);
    seen.iterates = cell2mat(chs);
    seen.model = cellfun(@(x) double(0.5*x'*seen.product(x) - x'*seen.grad), chs);
    seen.paramsp_after = params;
    seen.ch = ch;
    epochs{k} = rmfield(seen, 'product');
    state = struct('paramsp', params, 'start', job.decay*ch, 'lambda', lambda, 'epoch', state.epoch + 1);
end
end


function seen = kernels_at(state, data, probes, numchunks, net, c)
params = state.paramsp;
tchunk = mod(state.epoch-1, numchunks) + 1;
seen = state;
[seen.grad, seen.gradchunk, seen.oldll] = rnn_gradient(params, data, numchunks, net, tchunk);
% as the preconditioner takes it, with the weight cost
seen.grad2 = rnn_squares(params, data, numchunks, net) + net.weightcost*rnn_mask(net, c.precision);
seen.precon = [];
if ~isempty(c.preconditioner_exponent)
    seen.precon = rnn_preconditioner(params, state.lambda, data, numchunks, net, c);
end
[seen.ll, seen.err] = rnn_LL(params, data, numchunks, net);
[seen.ll_chunk, seen.err_chunk] = rnn_LL(params, data, numchunks, net, tchunk);
product = @(v, lambda) rnn_GV(v, params, data, numchunks, net, tchunk, lambda, lambda*net.mu);
seen.product = @(v) -product(v, state.lambda);
seen.Bv = columns(@(v) product(v, state.lambda), probes);
seen.Bv_undamped = columns(@(v) product(v, 0), probes);

part = rnn_chunk(data, numchunks, tchunk);
[h, ~, y] = rnn_forward(rnn_unpack(params, net), net, part.x);
seen.forward = {one_column_a_sequence(h.*part.e), one_column_a_sequence(y.*part.e)};
end


function products = columns(product, probes)
products = zeros(size(probes), class(probes));
for k = 1:size(probes, 2)
    products(:, k) = product(probes(:, k));
end
end


function a = one_column_a_sequence(pages)
a = reshape(permute(pages, [1 3 2]), [], size(pages, 2));
end
