function y = grandn(varargin)
% Doubles in the processor's memory where the trainer wants singles on its GPU.

y = randn(varargin{:});
end
