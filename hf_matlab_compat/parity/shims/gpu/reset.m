function reset(varargin)
% Do nothing: there is no device to clear.
end
