function n = gpuDeviceCount(varargin)
% Return 0: there is no device to use.

n = 0;
end
