function y = rand(varargin)
% Arrays of the class 'gpuArray' in the processor's memory.

y = builtin('rand', varargin{~strcmp(varargin, 'gpuArray')});
end
