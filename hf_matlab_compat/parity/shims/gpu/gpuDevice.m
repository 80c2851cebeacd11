function d = gpuDevice(varargin)
% A device that is none.

d = struct('Name', 'none', 'Index', 1, 'FreeMemory', Inf, 'AvailableMemory', Inf, 'TotalMemory', Inf);
end
