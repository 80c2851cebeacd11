function y = grand(varargin)
% Doubles in the processor's memory where the trainer wants singles on its GPU.

y = rand(varargin{:});
end
