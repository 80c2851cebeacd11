function y = rand(varargin)
% Make arrays of the class 'gpuArray' in the processor's memory.

y = builtin('rand', varargin{~strcmp(varargin, 'gpuArray')});
end
