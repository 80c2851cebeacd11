function y = gzeros(varargin)
% Doubles in the processor's memory where the trainer wants singles on its GPU.

y = zeros(varargin{:});
end
