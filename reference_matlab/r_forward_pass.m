function [R, RxL] = r_forward_pass(W, VW, Vb, layertypes, y, y0)
% The derivative of the forward pass along V:  R_0 = 0,  Rx_i = W_i R_{i-1} + V_i y_{i-1} + c_i,  R_i = J_{f_i} Rx_i
%
%   VW, Vb   the direction V, unpacked as W and b are
%   y, y0    the forward pass
%   R        1 x L cell, R{i} is s_i x n
%   RxL      s_L x n, the derivative of the output layer's input

numlayers = numel(W);
R = cell(1, numlayers);
Rbelow = zeros(size(y0), class(y0));
ybelow = y0;
for i = 1:numlayers
    Rx = W{i}*Rbelow + VW{i}*ybelow + Vb{i};
    R{i} = jacobian_product(layertypes{i}, y{i}, Rx);
    Rbelow = R{i};
    ybelow = y{i};
end
RxL = Rx;
end
