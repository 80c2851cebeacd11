function y = grand(varargin)
% Return doubles in the processor's memory where the trainer asks for singles on its GPU.

y = rand(varargin{:});
end
