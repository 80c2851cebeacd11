function y = grandn(varargin)
% Return doubles in the processor's memory where the trainer asks for singles on its GPU.

y = randn(varargin{:});
end
