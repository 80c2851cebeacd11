function [Ra, Ro] = rnn_r_forward(w, v, net, x, h)
% The derivative of the forward pass along V:
%   Ra_t = V_hx x_t + V_hh h_{t-1} + v_h + W_hh Rh_{t-1},  Rh_t = f'(a_t) o Ra_t,  Ro_t = V_oh h_t + v_o + W_oh Rh_t
%
%   v        the direction V, unpacked as w is
%   Ra, Ro   H x N x T and O x N x T

[N, T] = deal(size(x, 2), size(x, 3));
Ra = zeros(net.sizes(2), N, T, class(x));
Ro = zeros(net.sizes(3), N, T, class(x));
for t = 1:T
    if t > 1
        past = v.hh*h(:, :, t-1) + w.hh*Rh;
    elseif strcmp(net.initial_state, 'bias')
        past = repmat(v.start, 1, N);
    else
        past = v.hh*repmat(w.start, 1, N) + w.hh*repmat(v.start, 1, N);
    end
    Ra(:, :, t) = v.hx*x(:, :, t) + past + v.bh;
    Rh = jacobian_product(net.hidden, h(:, :, t), Ra(:, :, t));
    Ro(:, :, t) = v.oh*h(:, :, t) + v.bo + w.oh*Rh;
end
end
