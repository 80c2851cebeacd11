function yes = existsOnGPU(varargin)
% Nothing is ever lost.

yes = true;
end
