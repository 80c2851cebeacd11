function [seconds, GV] = bench_gv(theta, v, y0, layersizes, layertypes, weightcost, lambda, count)
% Seconds of one Gauss-Newton product as the published program computes it inside CG with hybridmode on: the outputs y
% of the target chunk are kept, R_0 is a matrix of zeros that is multiplied by W_1, and errors are carried down to the
% inputs. Averaged over COUNT products; GV (psize x 1) is the last one, of the log-likelihood: negative.

L = numel(layertypes);
y = cell(1, L + 1);
y{1} = y0;
[W, b] = layers(theta, layersizes);
for i = 1:L
    x = W{i}*y{i} + b{i};
    if strcmp(layertypes{i}, 'logistic'), y{i+1} = 1./(1 + exp(-x)); else y{i+1} = x; end
end
tic
for k = 1:count
    GV = product(theta, v, y, layersizes, layertypes, weightcost, lambda);
end
seconds = toc/count;
end


function GV = product(theta, v, y, layersizes, layertypes, weightcost, lambda)
% v -> R = J v -> r = H_L R -> J' r
[W, ~] = layers(theta, layersizes);
[VW, Vb] = layers(v, layersizes);
L = numel(W);
n = size(y{1}, 2);
R = zeros(size(y{1}), class(y{1}));
for i = 1:L
    Rx = W{i}*R + VW{i}*y{i} + Vb{i};
    R = times_slope(layertypes{i}, y{i+1}, Rx);
end
r = -R;
GV = zeros(size(v), class(v));
stop = numel(v);
for i = L:-1:1
    gW = r*y{i}';
    gb = sum(r, 2);
    start = stop - numel(gW) - numel(gb);
    GV(start+1:stop) = [gW(:); gb];
    stop = start;
    r = W{i}'*r;
    if i > 1
        r = times_slope(layertypes{i-1}, y{i}, r);
    end
end
GV = GV/n - weightcost*v - lambda*v;
end


function r = times_slope(type, y, r)
if strcmp(type, 'logistic')
    r = r.*y.*(1 - y);
end
end


function [W, b] = layers(packed, layersizes)
% the parts of a packed vector: columns of W_1, b_1, columns of W_2, ...
L = numel(layersizes) - 1;
W = cell(1, L);
b = cell(1, L);
cur = 0;
for i = 1:L
    count = layersizes(i+1)*layersizes(i);
    W{i} = reshape(packed(cur+1:cur+count), layersizes(i+1), layersizes(i));
    cur = cur + count;
    b{i} = packed(cur+1:cur+layersizes(i+1));
    cur = cur + layersizes(i+1);
end
end
