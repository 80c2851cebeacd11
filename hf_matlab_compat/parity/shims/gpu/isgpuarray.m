function yes = isgpuarray(varargin)
% Return false: all arrays are in the processor's memory.

yes = false;
end
