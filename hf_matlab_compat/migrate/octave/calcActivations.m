function [act, stored] = calcActivations(in, W, b, layertypes, startLayer)
% The network's output, and that of its layer of type linearSTORE.
  if nargin < 5, startLayer = 1; end
  act = in;
  stored = [];
  for i = startLayer:numel(W)
    x = W{i} * act + repmat(b{i}(:), 1, size(act, 2));
    switch layertypes{i}
      case {'logistic', 'logisticSTORE'}
        act = 1 ./ (1 + exp(-x));
      case 'tanh'
        act = tanh(x);
      case {'linear', 'linearSTORE'}
        act = x;
      case 'softmax'
        act = exp(bsxfun(@minus, x, max(x, [], 1)));
        act = bsxfun(@rdivide, act, sum(act, 1));
    end
    if strcmp(layertypes{i}, 'linearSTORE'), stored = act; end
  end
end
