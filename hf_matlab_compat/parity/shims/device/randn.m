function y = randn(varargin)
% Make arrays of the class 'gpuArray' in the processor's memory.

y = builtin('randn', varargin{~strcmp(varargin, 'gpuArray')});
end
