function params = sparse_init(layersizes, layertypes, numconn, initcoeff)
% Sparse initialisation: numconn incoming weights a unit, drawn with repetition, the others zero.
%
%   layersizes   1 x (L+1): s_0 ... s_L
%   layertypes   1 x L cell
%   params       psize x 1, double

numlayers = numel(layersizes) - 1;
W = cell(1, numlayers);
b = cell(1, numlayers);
for i = 1:numlayers
    coeff = initcoeff;
    if i > 1 && strcmp(layertypes{i-1}, 'tanh')
        coeff = coeff/2;
    end
    if strcmp(layertypes{i}, 'tanh')
        coeff = coeff/2;
    end
    W{i} = zeros(layersizes(i+1), layersizes(i));
    for j = 1:layersizes(i+1)
        idx = ceil(layersizes(i)*rand(1, numconn));
        % on a repeated index the last one wins
        W{i}(j, idx) = randn(numconn, 1)*coeff;
    end
    b{i} = zeros(layersizes(i+1), 1);
    if strcmp(layertypes{i}, 'tanh')
        b{i}(:) = 0.5;
    end
end
params = pack(W, b);
end
