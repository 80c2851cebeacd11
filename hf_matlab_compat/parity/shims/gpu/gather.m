function varargout = gather(varargin)
% It never left.

varargout = varargin;
end
