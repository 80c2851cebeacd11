function y = randi(varargin)
% Make arrays of the class 'gpuArray' in the processor's memory.

y = builtin('randi', varargin{~strcmp(varargin, 'gpuArray')});
end
