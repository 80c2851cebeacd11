function yes = isgpuarray(varargin)
% None is.

yes = false;
end
