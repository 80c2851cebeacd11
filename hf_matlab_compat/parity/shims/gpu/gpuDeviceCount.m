function n = gpuDeviceCount(varargin)
% None that the trainer should use.

n = 0;
end
