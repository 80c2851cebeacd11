function geval(varargin)
% Do nothing: there is no work on a device to wait for.
end
