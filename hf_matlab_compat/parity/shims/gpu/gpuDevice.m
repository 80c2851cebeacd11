function d = gpuDevice(varargin)
% Return a stand-in for a device.

d = struct('Name', 'none', 'Index', 1, 'FreeMemory', Inf, 'AvailableMemory', Inf, 'TotalMemory', Inf);
end
