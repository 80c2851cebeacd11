function [W, b] = unpack(M, layersizes)
% Weights and biases from packed parameters.
  W = cell(numel(layersizes) - 1, 1);
  b = W;
  used = 0;
  for i = 1:numel(W)
    above = layersizes(i+1); below = layersizes(i);
    W{i} = reshape(M(used+1 : used+above*below), above, below);
    used = used + above*below;
    b{i} = reshape(M(used+1 : used+above), above, 1);
    used = used + above;
  end
end
