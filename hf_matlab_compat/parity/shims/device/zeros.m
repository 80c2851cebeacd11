function y = zeros(varargin)
% Arrays of the class 'gpuArray' in the processor's memory.

y = builtin('zeros', varargin{~strcmp(varargin, 'gpuArray')});
end
