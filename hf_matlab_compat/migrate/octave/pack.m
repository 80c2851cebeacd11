function M = pack(W, b)
% Packed parameters from weights and biases.
  M = [];
  for i = 1:numel(W)
    M = [M; W{i}(:); b{i}(:)];
  end
end
