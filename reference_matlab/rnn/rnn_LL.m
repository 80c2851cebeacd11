function [ll, err] = rnn_LL(params, data, numchunks, net, tchunk)
% Log-likelihood, weight cost included, and error, a mean over the steps with a loss; on the target chunk, or on all
% where tchunk is missing.

if nargin > 4 && ~isempty(tchunk)
    data = rnn_chunk(data, numchunks, tchunk);
    numchunks = 1;
end
w = rnn_unpack(params, net);
maskp = rnn_mask(net, class(params));
ll = 0;
err = 0;
for chunk = 1:numchunks
    part = rnn_chunk(data, numchunks, chunk);
    [~, o, y] = rnn_forward(w, net, part.x);
    [chunk_ll, chunk_err] = rnn_loss(net, o, y, part.d, part.m);
    ll = ll + chunk_ll;
    err = err + chunk_err;
end
Z = rnn_divisor(net, data);
ll = ll/Z - 0.5*net.weightcost*double(params'*(maskp.*params));
err = err/double(sum(data.m(:) > 0));
end
