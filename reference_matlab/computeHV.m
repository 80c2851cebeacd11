function HV = computeHV(v, params, in, out, nchunks, net, tchunk, lambda)
% Hessian product of the log-likelihood, weight cost and damping included: the derivative along v of the gradient pass.
%
%   v, params, HV   psize x 1
%   in, out         s_0 x N and s_L x N
%   net             struct: layersizes, layertypes (hidden logistic or linear, no tanh), rms, weightcost, maskp
%   tchunk          the target chunk, or [] for all chunks
%   lambda          damping; 0 for the undamped product

[W, b] = unpack(params, net.layersizes);
[VW, Vb] = unpack(v, net.layersizes);
total = zeros(size(v), class(v));
for chunk = product_chunks(nchunks, tchunk)
    columns = chunk_columns(size(in, 2), nchunks, chunk);
    y0 = in(:, columns);
    t = out(:, columns);
    [x, y] = forward_pass(W, b, net.layertypes, y0);
    [e, d] = backward_pass(W, net.layertypes, y, output_error(net, y{end}, t));
    R = r_forward_pass(W, VW, Vb, net.layertypes, y, y0);
    Re = r_backward_pass(W, VW, net, y, R, e, d, t);

    % R{e_i y_{i-1}'} = Re_i y_{i-1}' + e_i R_{i-1}', and R_0 = 0
    [gW, gb] = weight_products(Re, y, y0);
    for i = 2:numel(W)
        gW{i} = gW{i} + e{i}*R{i-1}';
    end
    total = total + pack(gW, gb);
end
HV = product_per_case(total, size(in, 2), nchunks, tchunk) - net.weightcost*(net.maskp.*v) - lambda*v;
end


function Re = r_backward_pass(W, VW, net, y, R, e, d, t)
% Rd_{i-1} = V_i' e_i + W_i' Re_i;  Re_i = Rd_i o y(1-y) + d_i o R_i o (1-2y) for logistic units, Rd_i for linear ones
numlayers = numel(W);
Re = cell(1, numlayers);
Re{numlayers} = r_output_error(net, y{end}, R{end}, t);
for i = numlayers-1:-1:1
    Rd = VW{i+1}'*e{i+1} + W{i+1}'*Re{i+1};
    if strcmp(net.layertypes{i}, 'logistic')
        Re{i} = Rd.*y{i}.*(1 - y{i}) + d{i}.*R{i}.*(1 - 2*y{i});
    else
        Re{i} = Rd;
    end
end
end


function ReL = r_output_error(net, y, R, t)
% The derivative of output_error along v; R is that of the output y.
type = net.layertypes{end};
if ~net.rms
    if strcmp(type, 'linear')
        ReL = -2*R;
    else
        ReL = -R;
    end
    return
end
a = 2*(t - y);
Ra = -2*R;
switch type
    case 'softmax'
        ReL = Ra.*y - y.*sum(Ra.*y, 1) + a.*R - y.*sum(a.*R, 1) - R.*sum(a.*y, 1);
    case 'logistic'
        ReL = Ra.*y.*(1 - y) + a.*R.*(1 - 2*y);
    case 'linear'
        ReL = Ra;
end
end
