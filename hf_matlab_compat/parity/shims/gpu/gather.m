function varargout = gather(varargin)
% Return the array, which is in the processor's memory.

varargout = varargin;
end
