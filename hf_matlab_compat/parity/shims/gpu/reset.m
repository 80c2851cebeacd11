function reset(varargin)
% There is no device to clear.
end
